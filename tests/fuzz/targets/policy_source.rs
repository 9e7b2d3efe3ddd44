//! placeholder
#![no_main]
libfuzzer_sys::fuzz_target!(|_text: &str| {});
