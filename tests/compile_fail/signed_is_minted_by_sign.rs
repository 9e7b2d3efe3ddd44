fn main() {
    let _ = titian::sign::signing::Signed { statement: (), compact: String::new() };
}
