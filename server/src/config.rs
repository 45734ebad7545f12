//! What the command line says. This module decides which flags there are and what they default to; it opens nothing.
//! `main` reads it, `Server::start` takes it.

use crate::keeper::LEAST_DAYS;
use landfall::error::{Code, Error, Result};
use lexopt::prelude::{Long, ValueExt as _};
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
landfall-server: the sync server of landfall

  --listen ADDRESS   where to listen (127.0.0.1:0, any free port)
  --data FILE        the SQLite file; without it everything is in memory and gone at the end
  --schemas DIR      the folder with the applications' declarations, *.json (schemas)
  --static DIR       serve these files at /
  --seed-file FILE   rows for tenants that are empty, one JSON object a line: {app, tenant, entity, data}
  --rate-per-s N     requests a second for each user, four seconds' worth at once (200)
  --keep-days N      how long answers and tombstones are remembered; a device away for longer loads anew (30, the least)
  --dev              anybody may log in as anybody, and cookies travel without TLS

LANDFALL_SECRET      at least 32 bytes that sign tokens; if unset they are made once and kept in the data file
";

/// The settings of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The SQLite file; none: in memory.
    pub data: Option<PathBuf>,
    /// The folder with the declarations.
    pub schemas: PathBuf,
    /// The folder with the files to serve.
    pub files: Option<PathBuf>,
    /// Rows for empty tenants.
    pub seed: Option<PathBuf>,
    /// Requests a second for each user.
    pub rate_per_s: u32,
    /// How long answers and tombstones are remembered, in days.
    pub keep_days: u32,
    /// Whether anybody may log in as anybody.
    pub dev: bool,
    /// The secret that signs tokens; none: the one in the data file.
    pub secret: Option<Vec<u8>>,
    /// Print `HELP` and do nothing.
    pub help: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: None,
            schemas: PathBuf::from("schemas"),
            files: None,
            seed: None,
            rate_per_s: 200,
            keep_days: LEAST_DAYS,
            dev: false,
            secret: None,
            help: false,
        }
    }
}

impl Config {
    /// Reads the flags (without the program's name).
    ///
    /// # Errors
    /// `VALIDATION_ERROR` naming the flag.
    pub fn read(arguments: impl IntoIterator<Item = OsString>) -> Result<Self> {
        Self::flags(arguments).map_err(|error| {
            Error::new(Code::ValidationError, error.to_string()).at("command line").hint("--help lists the flags")
        })
    }

    fn flags(arguments: impl IntoIterator<Item = OsString>) -> std::result::Result<Self, lexopt::Error> {
        let mut config = Self::default();
        let mut parser = lexopt::Parser::from_args(arguments);
        while let Some(argument) = parser.next()? {
            match argument {
                Long("listen") => config.listen = parser.value()?.parse()?,
                Long("data") => config.data = Some(parser.value()?.into()),
                Long("schemas") => config.schemas = parser.value()?.into(),
                Long("static") => config.files = Some(parser.value()?.into()),
                Long("seed-file") => config.seed = Some(parser.value()?.into()),
                Long("rate-per-s") => config.rate_per_s = parser.value()?.parse()?,
                Long("keep-days") => {
                    config.keep_days = parser.value()?.parse()?;
                    if config.keep_days < LEAST_DAYS {
                        return Err(format!("--keep-days is {LEAST_DAYS} at least").into());
                    }
                }
                Long("dev") => config.dev = true,
                Long("help") => config.help = true,
                other => return Err(other.unexpected()),
            }
        }
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn read(text: &str) -> landfall::error::Result<Config> {
        Config::read(text.split_whitespace().map(Into::into))
    }

    #[test]
    fn flags_are_read_and_unknown_ones_refused() {
        let config = read("--listen 127.0.0.1:8080 --data a.db --static=www --rate-per-s 5 --dev").unwrap();
        assert_eq!(config.listen.port(), 8080);
        assert_eq!((config.rate_per_s, config.dev), (5, true));
        assert_eq!(config.files.as_deref(), Some(std::path::Path::new("www")));
        assert_eq!(read("").unwrap(), Config::default());
        for wrong in ["--listen here", "--dta x", "--data", "stray", "--rate-per-s -1", "--keep-days 29"] {
            assert_eq!(read(wrong).unwrap_err().code.as_str(), "VALIDATION_ERROR", "{wrong}");
        }
    }
}
