//! The real gateway on a free port, a database on disk, real mutual TLS; the partner's side is the
//! library's own client, and hostile bytes go over raw connections.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "a real server and sockets with real deadlines")]
#![expect(clippy::string_slice, reason = "a test may panic on bytes that are not ASCII")]

mod batch;
mod budget;
mod console;
mod corrections;
mod erasure;
mod excepted;
mod governance;
mod governed;
mod hostile;
mod information;
mod lifecycle;
mod live;
mod pages;
mod replay;
mod reviews;
mod scheduled;
mod statement;
