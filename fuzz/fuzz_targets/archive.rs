#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| codelupe_forge::fuzzing::archive(bytes, &std::env::temp_dir()));
