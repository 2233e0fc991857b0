//! What random tests begin with.

/// The seed of `RHAPSODE_TEST_SEED`, or always the same one: a run in CI repeats the one before.
pub fn seed() -> u64 {
    let given = std::env::var("RHAPSODE_TEST_SEED").ok();
    given.map_or(0, |seed| seed.parse().expect("RHAPSODE_TEST_SEED is a number"))
}
