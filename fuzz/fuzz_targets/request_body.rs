//! Bodies of requests; what has to hold is in `kassa_api::fuzzing`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kassa_api::fuzzing::request_body(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("Run it with `fuzz/run request_body`.");
    std::process::exit(2);
}
