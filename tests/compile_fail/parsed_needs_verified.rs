fn main() {
    let _ = titian::schema::parse(b"{}".to_vec());
}
