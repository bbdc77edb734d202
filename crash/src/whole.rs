//! The whole gateway as it is run, `wagegate serve` with listener, couriers and witness, killed at any moment. It has the machine's clock, so its lives are
//! long and few.

use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    time::Duration,
};

use wagegate::clock::{Clock as _, ManualClock, SystemClock};

use crate::{
    Failure,
    dice::Dice,
    feed,
    house::{House, profile},
    life::log,
    trouble::pause,
    wages::Sheet,
};

/// In the environment of a process that is to be the gateway and nothing else.
const BE_IT: &str = "WAGEGATE_CRASH_SERVE";
/// Two workers' worth of new sheets before each life.
const SHEETS: u32 = 2;
/// Longest life: long enough for leases of the one before to run out and for several answers of the banks.
const LONGEST_MS: u64 = 4_000;

/// Becomes the gateway, if that is asked.
pub(crate) fn be_it() -> Option<ExitCode> {
    std::env::var_os(BE_IT).map(|_| wagegate::cli::main())
}

/// Starts the gateway and kills it, so many times; gives the next sheet.
pub(crate) fn kill(house: &House, times: u32, dice: &mut Dice) -> Result<u32, Failure> {
    let config = write_config(house)?;
    let mut sheet = 0;
    for _ in 0..times {
        feed(house, sheet)?;
        sheet += SHEETS;
        let mut gateway = Command::new(std::env::current_exe()?)
            .env(BE_IT, "yes")
            .args(["serve", "--config"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(log(house)?)
            .spawn()?;
        pause(Duration::from_millis(1 + dice.below(LONGEST_MS)));
        let ended = gateway.try_wait()?;
        gateway.kill()?;
        gateway.wait()?;
        if let Some(status) = ended {
            return Err(format!("the gateway ended by itself: {status}; see lives.log").into());
        }
    }
    Ok(sheet)
}

fn feed(house: &House, first: u32) -> Result<(), Failure> {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    crate::run::block_on(async {
        let gateway = house.gateway(&clock).await?;
        for sheet in first..first + SHEETS {
            feed::release(&gateway, Sheet(sheet)).await?;
        }
        Ok(())
    })
}

fn write_config(house: &House) -> Result<PathBuf, Failure> {
    let (certs, folder) = (house.certificates.display(), house.folder.display());
    let (data, store) = (house.data.display(), &house.store);
    let mut text = format!(
        "[listen]\naddress = \"127.0.0.1:0\"\ncertificate = \"{certs}/gateway.pem\"\nkey = \"{certs}/gateway.key\"\n\
         [store]\nurl = \"{store}\"\n[evidence]\nfolder = \"{data}/evidence\"\n[audit]\nwitness = \"{folder}/audit.witness\"\n\
         [keys]\nfile = \"{folder}/keys.toml\"\n[people]\nca = \"{certs}/people-ca.pem\"\ncrl = \"{certs}/people.crl.pem\"\n\
         [worker]\nlease_ms = 1000\ntick_ms = 20\n[[principal]]\nuri = \"wagegate://user/operator\"\nrole = \"operator\"\n"
    );
    for at in &house.banks {
        let (code, base) = (&at.code, &at.base);
        fs::write(
            house.folder.join(format!("{code}.profile.toml")),
            quick(&profile(code)?),
        )?;
        text += &format!(
            "[[bank]]\nprofile = \"{folder}/{code}.profile.toml\"\nbase = \"{base}\"\nca = \"{certs}/bank-{code}-ca.pem\"\n\
             crl = \"{certs}/bank-{code}.crl.pem\"\ncertificate = \"{certs}/gateway-at-{code}.pem\"\nkey = \"{certs}/gateway-at-{code}.key\"\n"
        );
    }
    let path = house.folder.join("wagegate.toml");
    fs::write(&path, text)?;
    Ok(path)
}

/// The banks' own pace is ten seconds and more.
fn quick(profile: &str) -> String {
    let lines = profile.lines().map(|line| {
        if line.starts_with("polling") {
            "polling = { first_after_s = 1, every_s = 1, collect_every_s = 1 }"
        } else {
            line
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
