//! A step of a message's life cannot be skipped: its type is minted by the module on its arrow
//! and by nothing else. Each file tries to make one by hand, or to hand over the wrong one.

#[test]
fn no_step_can_be_skipped() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/compile_fail/*.rs");
}
