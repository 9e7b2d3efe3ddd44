//! Properties over random bodies.
