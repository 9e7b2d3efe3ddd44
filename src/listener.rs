//! A listener: TLS 1.3, HTTP/1.1, deadlines and a cap on connections.
//!
//! An own accept loop, because the peer's certificate, the deadlines of a silent client and the
//! reload of certificates must be in our hands. Sessions are not resumed, so that every
//! connection proves its key anew.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::Extensions;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt;

/// How long a listener waits.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// For the handshake, and for the first request after it.
    pub first: Duration,
    /// For the headers of a request.
    pub headers: Duration,
    /// For a body.
    pub body: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(4),
            headers: Duration::from_secs(4),
            body: Duration::from_secs(10),
        }
    }
}

/// What is known of the peer, put beside each of its requests.
pub type Peer = fn(Option<&CertificateDer<'_>>) -> Option<Extensions>;

/// The listener's parts.
#[derive(Debug)]
pub struct Listener {
    /// Bound socket.
    pub socket: TcpListener,
    /// Read anew for every connection.
    pub tls: Arc<ArcSwap<ServerConfig>>,
    /// Deadlines.
    pub deadlines: Deadlines,
    /// Open connections in all; above it a connection is closed at once.
    pub connections_max: usize,
    /// Looks at the peer's certificate; a peer of whom it says nothing is not served.
    pub peer: Peer,
    /// What serves.
    pub router: Router,
}

impl Listener {
    /// Serves until `stopped` says so, then lets requests under way end.
    pub async fn serve(self, mut stopped: watch::Receiver<bool>) {
        let places = Arc::new(Semaphore::new(self.connections_max));
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                _ = stopped.wait_for(|stop| *stop) => break,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // descriptors may be used up; a short pause lets some be closed
                    tracing::warn!(error = %error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                metrics::counter!("titian_connections_refused_total").increment(1);
                continue;
            };
            let acceptor = TlsAcceptor::from(self.tls.load_full());
            let (router, waits) = (self.router.clone(), (self.peer, self.deadlines));
            let watcher = graceful.watcher();
            tokio::spawn(async move {
                connection(stream, acceptor, router, waits, watcher).await;
                drop(place);
            });
        }
        drop(self.socket);
        graceful.shutdown().await;
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    router: Router,
    (peer, deadlines): (Peer, Deadlines),
    watcher: hyper_util::server::graceful::Watcher,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(error = %error, "no TCP_NODELAY");
    }
    let handshake = tokio::time::timeout(deadlines.first, acceptor.accept(stream)).await;
    let Ok(Ok(stream)) = handshake else {
        metrics::counter!("titian_handshakes_failed_total").increment(1);
        return;
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let Some(known) = peer(certificate) else { return };
    let service =
        router.map_request(move |mut request: axum::http::Request<hyper::body::Incoming>| {
            request.extensions_mut().extend(known.clone());
            request.map(Body::new)
        });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        // also the deadline of the first request: a silent client is closed by it
        .header_read_timeout(deadlines.headers)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(timeout = error.is_timeout(), "a connection ended early");
    }
}
