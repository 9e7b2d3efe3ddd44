fn main() {
    let _ = titian::schema::Valid(1);
}
