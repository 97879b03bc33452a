//! SQL texts with named parameters; what has to hold is in `kassa_stand_ins::fuzzing`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| kassa_stand_ins::fuzzing::sql_parameters(data));

#[cfg(not(fuzzing))]
fn main() {
    eprintln!("Run it with `fuzz/run sql_parameters`.");
    std::process::exit(2);
}
