//! The example does what its comments say, without an account or a network.

use std::process::Command;

#[test]
fn the_example_answers_whole_and_streamed_over_deployments_of_which_one_is_broken() {
    let run = Command::new(env!("CARGO_BIN_EXE_embed-router")).arg("Hello there").output().unwrap();
    let (told, complaint) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{complaint}");
    for expected in [
        "whole:  \"Hello there\"\n",
        "tokens: 4\n",
        "Hello |there|",
        "vector: [",
        "error:  the model `chta` does not exist; did you mean chat? (retryable: false)\n",
    ] {
        assert!(told.contains(expected), "{expected:?} is missing:\n{told}");
    }
}
