//! Guards of the gateway switched off, one at a time: a check that finds nothing proves only something where it finds these.

use crate::{house::Failure, runs::Many};

/// Runs worlds with each guard off that is named (several with commas, `all` for every one) until one of them goes wrong; true where all were found out.
///
/// # Errors
/// There is no such guard, a house failed, or this program was built without the switches.
#[cfg(feature = "sabotage")]
pub fn run(name: &str, many: Many) -> Result<bool, Failure> {
    use wagegate_domain::sabotage::{Switch, turn};

    let switches = match name {
        "all" => Switch::ALL.to_vec(),
        names => names.split(',').map(named).collect::<Result<_, _>>()?,
    };
    let mut all = true;
    for switch in switches {
        turn(Some(switch));
        let sum = Many {
            failures_max: 1,
            ..many
        }
        .run();
        turn(None);
        let sum = sum?;
        let found = sum
            .failed
            .first()
            .and_then(|failed| failed.findings.first());
        let seen = found.map_or_else(
            || "NOT FOUND".to_owned(),
            |finding| format!("{:?}: {}", finding.harm, finding.what),
        );
        all &= found.is_some();
        println!(
            "{:<28}{:>7} worlds {:>4} s  {seen}",
            switch.code(),
            sum.worlds,
            sum.took.as_secs()
        );
    }
    Ok(all)
}

#[cfg(feature = "sabotage")]
fn named(name: &str) -> Result<wagegate_domain::sabotage::Switch, Failure> {
    use wagegate_domain::sabotage::Switch;

    let found = Switch::ALL.iter().find(|switch| switch.code() == name);
    found.copied().ok_or_else(|| {
        let codes: Vec<_> = Switch::ALL.iter().map(|switch| switch.code()).collect();
        format!("no guard {name}; there are {}", codes.join(", ")).into()
    })
}

/// Nothing can be switched off in this build.
///
/// # Errors
/// Always.
#[cfg(not(feature = "sabotage"))]
pub fn run(_: &str, _: Many) -> Result<bool, Failure> {
    Err("guards can be switched off only in a build with `--features sabotage`".into())
}
