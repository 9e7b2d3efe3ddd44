//! The rules that ship with Titian, as `titian init` writes them.

macro_rules! shipped {
    ($directory:literal: $($name:literal),* $(,)?) => {
        &[$((
            concat!($name, ".toml"),
            include_str!(concat!("../../config/", $directory, "/", $name, ".toml")),
        )),*]
    };
}

/// `floor.toml` of a development home.
pub(super) const FLOOR: &str = include_str!("../../config/floor.development.toml");
/// `floor.toml` of a production home, for its data protection officer to read and sign.
pub(super) const FLOOR_OF_PRODUCTION: &str = include_str!("../../config/floor.production.toml");
/// `baseline.toml` of a development home; SYNTHETIC.
pub(super) const BASELINE: &str = include_str!("../../config/baseline.toml");
/// Agreements: file name and text.
pub(super) const AGREEMENTS: &[(&str, &str)] =
    shipped!("agreements": "pks-bnpt-kemensos", "mou-id-be");
/// Policies: file name and text.
pub(super) const POLICIES: &[(&str, &str)] = shipped!("policies":
    "bnpt-kemensos-information-request",
    "bnpt-kemensos-information-response",
    "bnpt-kemensos-referral",
    "bnpt-kemensos-status",
    "cuta-be-kemensos-information-request",
    "cuta-be-kemensos-referral",
    "kemensos-bnpt-information-request",
    "kemensos-bnpt-information-response",
    "kemensos-bnpt-status",
    "kemensos-cuta-be-information-response",
    "kemensos-cuta-be-referral",
    "kemensos-cuta-be-status",
);
