//! Tests of the test kit, and of the rules that the whole workspace keeps.

mod structure;
