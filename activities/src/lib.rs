//! Activities: everything that touches the world outside a workflow.
