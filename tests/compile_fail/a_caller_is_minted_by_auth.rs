fn main() {
    let _ = titian::auth::Caller { frozen: false };
}
