//! Deliveries of webhooks; what has to hold is in `kassa_api::fuzzing`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kassa_api::fuzzing::webhook(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("Run it with `fuzz/run webhook`.");
    std::process::exit(2);
}
