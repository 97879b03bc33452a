//! What has to hold of everything that is sent to the API, however strange it is. `fuzz` tries it, and tests do with all that was
//! ever of interest.

mod request_body;
mod webhook;

pub use request_body::request_body;
pub use webhook::webhook;

/// Checks every input that is kept for a target.
#[cfg(test)]
fn replay(target: &str, check: fn(&[u8])) {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let inputs = corpus.read_dir().expect("a corpus").map(|entry| std::fs::read(entry.expect("a file").path()));
    let checked = inputs.map(|input| check(&input.expect("an input"))).count();
    assert!(checked >= 10, "only {checked} inputs for {target}");
}
