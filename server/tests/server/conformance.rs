//! What holds on every ledger is written once and run over each: the one in memory and the one in SQLite. A third ledger gets a
//! module here, and every test that is named by `conformance!`.

macro_rules! conformance {
    ($($name:ident)*) => {
        mod memory { $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
            super::$name(crate::world::World::with(|config| config.data = None).await).await;
        })* }
        mod sqlite { $(#[tokio::test(flavor = "multi_thread")] async fn $name() {
            super::$name(crate::world::World::new().await).await;
        })* }
    };
}
