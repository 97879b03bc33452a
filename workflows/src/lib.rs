//! Deterministic workflow code and the typed contracts of the activities.
