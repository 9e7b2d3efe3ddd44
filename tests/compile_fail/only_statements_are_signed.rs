fn sign(key: &titian::sign::signing::SigningKey) {
    let _ = key.sign("not a statement");
}

fn main() {}
