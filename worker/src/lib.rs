//! Wires workflows and activities to the outside systems and runs them.
