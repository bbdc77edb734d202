//! Who may call the bank: real TLS, real certificates.

mod common;

use common::{Authority, GATEWAY, Running, caller};

async fn status(bank: &Running, client: &reqwest::Client) -> Result<u16, reqwest::Error> {
    Ok(client
        .get(format!("{}/iso/instructions/A1", bank.base))
        .send()
        .await?
        .status()
        .as_u16())
}

#[tokio::test]
async fn only_the_gateway_is_answered() {
    let bank = Running::start("iso20022", "").await;
    assert_eq!(status(&bank, &bank.client).await.unwrap(), 404);

    let nobody = caller(&bank.authority, None);
    assert!(status(&bank, &nobody).await.is_err(), "no certificate");

    let stranger = Authority::new().sign("gateway", GATEWAY);
    assert!(
        status(&bank, &caller(&bank.authority, Some(stranger)))
            .await
            .is_err(),
        "another authority"
    );

    for name in ["wagegate://gateway/other", "wagegate://user/main"] {
        let other = caller(&bank.authority, Some(bank.authority.sign("other", name)));
        assert_eq!(status(&bank, &other).await.unwrap(), 403, "{name}");
    }
    let two = caller(
        &bank.authority,
        Some(
            bank.authority
                .sign("two", &format!("{GATEWAY},URI:{GATEWAY}")),
        ),
    );
    assert_eq!(status(&bank, &two).await.unwrap(), 403, "two URI names");
}

#[tokio::test]
async fn a_certificate_revoked_while_the_bank_runs_is_refused() {
    let bank = Running::start("iso20022", "").await;
    assert_eq!(status(&bank, &bank.client).await.unwrap(), 404);
    bank.authority.revoke("gateway");
    assert!(status(&bank, &bank.client).await.is_err());
}

#[tokio::test]
async fn an_older_protocol_is_refused_and_sessions_are_not_resumed() {
    let bank = Running::start("iso20022", "").await;
    let address = bank.base.trim_start_matches("https://").to_owned();
    let talk = |extra: &str| {
        let arguments = format!(
            "s_client -connect {address} -cert gateway.pem -key gateway.key -CAfile ca.pem -ign_eof {extra}"
        );
        let input =
            std::fs::File::create_new(bank.authority.path(&format!("input{extra}"))).unwrap();
        drop(input);
        let request =
            "GET /iso/instructions/A1 HTTP/1.1\r\nHost: bank\r\nConnection: close\r\n\r\n";
        std::fs::write(bank.authority.path(&format!("input{extra}")), request).unwrap();
        let input = std::fs::File::open(bank.authority.path(&format!("input{extra}"))).unwrap();
        let output = std::process::Command::new("openssl")
            .args(arguments.split_whitespace())
            .stdin(input)
            .current_dir(bank.authority.dir.path())
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let newest = talk("-tls1_3");
    assert!(newest.contains("HTTP/1.1 404"), "{newest}");
    assert!(!newest.contains("New Session Ticket"), "{newest}");
    assert!(!talk("-tls1_2").contains("HTTP/1.1"));
}

#[test]
fn the_control_service_stays_on_loopback() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_banksim"))
        .args(
            "serve --code x --dialect textfile --control 0.0.0.0:0 --cert a --key b --client-ca c"
                .split(' '),
        )
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("loopback"));
}
