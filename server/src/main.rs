//! The program: reads the command line, starts the server, stops it when it is asked to. It decides nothing about syncing.

use landfall::error::{Code, Error, Result};
use landfall_server::config::{Config, HELP};
use landfall_server::serve::serve;
use landfall_server::{Server, app};
use std::io::Write as _;
use std::process::ExitCode;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // The log goes to standard error: standard output says where the server listens, for whoever started it.
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the server could not start");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    let mut config = Config::read(std::env::args_os().skip(1))?;
    if config.help {
        return print(HELP);
    }
    config.secret = std::env::var("LANDFALL_SECRET").ok().map(String::into_bytes);
    let server = Server::start(&config).await?;
    if config.dev {
        tracing::warn!("--dev: anybody may log in as anybody at POST /auth/dev. Never run this where others can reach it.");
    }
    let listener = TcpListener::bind(config.listen).await.map_err(|error| io(&error))?;
    let address = listener.local_addr().map_err(|error| io(&error))?;
    // Signals are caught before anybody is told the address, and so could send one.
    let stop = asked_to_stop()?;
    landfall_server::keeper::start(server.clone());
    print(&format!("listening on http://{address}\n"))?;
    serve(listener, app(server.clone(), config.files.as_deref()), stop, || {
        tracing::info!("stopping");
        server.bells().close();
    })
    .await;
    server.close().await;
    Ok(())
}

fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| io(&error))
}

/// Waits for Ctrl-C or the terminate signal, which are caught from here on.
fn asked_to_stop() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| io(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| io(&error))?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

fn io(error: &std::io::Error) -> Error {
    Error::new(Code::ServerError, error.to_string())
}
