//! `titian serve`: start-up checks, listeners, signals, shutdown.
use super::Home;

/// Runs the gateway of `home` until it is told to stop. `say` is given one line per listener.
pub fn serve(home: &Home, say: &dyn Fn(String)) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(home, say))
}

async fn run(home: &Home, say: &dyn Fn(String)) -> anyhow::Result<()> {
    let Some(lock) = home.lock()? else {
        anyhow::bail!("`{}` is in use by another process", home.root().display());
    };
    let opened = super::open(home, lock).await?;
    say(format!("{}", opened.config().listen));
    Ok(())
}
