//! Who is thrown out at one gateway is out at every gateway of the store, on connections that are open too.

use std::sync::Arc;

use rustls_pki_types::{CertificateDer, pem::PemObject};
use wagegate::{
    clock::{Clock, SystemClock},
    security::principal::Identity,
    store::identities::{CertificateKey, PrincipalChange, Revocation, RevocationReason},
};

use crate::{
    certificates::Certificates,
    fresh_postgres::fresh_postgres,
    gateway::{Connection, Gateway, Peer},
};

const OPERATOR: &str = "wagegate://user/operator";

fn status(open: &mut Connection) -> u16 {
    open.get("/whoami").unwrap().status
}

#[test]
fn a_suspension_and_a_revocation_stop_open_connections_on_every_gateway() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let url = runtime.block_on(fresh_postgres());
    let certificates = Certificates::fresh();
    let gateways = [(); 2].map(|()| {
        let folder = tempfile::tempdir().unwrap();
        Gateway::start_on(&certificates, Arc::new(SystemClock), url.clone(), folder)
    });
    let open = |name: &str| {
        let peer = Peer::new(&certificates, name);
        gateways.each_ref().map(|gateway| peer.open(gateway))
    };
    let (mut clerk, mut approver) = (open("user-clerk"), open("user-approver"));
    for connections in [&mut clerk, &mut approver] {
        assert_eq!(connections.each_mut().map(status), [200, 200]);
    }

    gateways[0].in_store(async |store| {
        let (suspend, now) = (PrincipalChange::Suspend, SystemClock.now());
        store
            .change_principal("wagegate://user/clerk", &suspend, OPERATOR, now)
            .await
    });
    assert_eq!(clerk.each_mut().map(status), [403, 403]);

    let der = CertificateDer::from_pem_file(certificates.file("user-approver.pem")).unwrap();
    let revocation = Revocation {
        key: CertificateKey::of(&Identity::read(&der).unwrap()),
        reason: RevocationReason::KeyCompromise,
        by: OPERATOR.into(),
        at: SystemClock.now(),
    };
    gateways[1].in_store(async |store| store.revoke_certificate(&revocation).await);
    assert_eq!(approver.each_mut().map(status), [401, 401]);
}
