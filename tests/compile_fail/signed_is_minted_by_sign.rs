fn main() {
    let _ = titian::sign::signing::Signed::<()> { statement: std::marker::PhantomData, compact: String::new() };
}
