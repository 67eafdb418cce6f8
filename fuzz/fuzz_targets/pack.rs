#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codelupe_forge::fuzzing::pack(bytes, &std::env::temp_dir()));
