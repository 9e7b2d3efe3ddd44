fn main() {
    let _ = titian::policy::Disclosure { body: serde_json::json!({}) };
}
