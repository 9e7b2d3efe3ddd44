fn main() {
    let _ = titian::sign::Verified { payload: b"{}".to_vec() };
}
