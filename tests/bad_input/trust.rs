//! Certificates: which servers a connection trusts, and the client certificate that it presents.

use super::{
    Ran, check,
    network::{ROOT, answer, source},
    run,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use std::{
    net::TcpListener,
    sync::{Arc, mpsc},
};
use tokio_rustls::rustls::{
    RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
    server::WebPkiClientVerifier,
};

const UNKNOWN: &str = "the certificate is not trusted (invalid peer certificate: UnknownIssuer)\n\
                       hint: set `ca_file` to the certificate of the authority that signed the server's";

/// A certificate authority, a client certificate that it signed, and a TLS server with its certificate. `clients`
/// receives whether each client presented a certificate.
struct Trust {
    ca_pem: String,
    client_pem: String,
    client_key: String,
    url: String,
    clients: mpsc::Receiver<bool>,
}

/// The oddity of a server.
#[derive(Default)]
struct Oddity {
    asks_for_certificate: bool,
    is_made_for: Option<&'static str>,
    /// First and last year of its certificate.
    years: Option<(i32, i32)>,
}

fn trust(oddity: &Oddity) -> Trust {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    let signed = |name: &str| {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        if let Some((from, to)) = oddity.years {
            (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(to, 1, 1));
        }
        (params.signed_by(&key, &ca).expect("a signature"), key)
    };
    let (server, server_key) = signed(oddity.is_made_for.unwrap_or("127.0.0.1"));
    let (client, client_key) = signed("mailstitch.example.org");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(ca.der().to_vec())).expect("the authority");
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let config =
        ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions().expect("versions");
    let config = if oddity.asks_for_certificate {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
        config.with_client_cert_verifier(verifier)
    } else {
        config.with_no_client_auth()
    };
    let key = PrivateKeyDer::try_from(server_key.serialize_der()).expect("a key");
    let config = Arc::new(config.with_single_cert(vec![server.der().clone()], key).expect("a certificate"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let (tell, clients) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            let mut stream = StreamOwned::new(connection, stream);
            answer(&mut stream, 200, ROOT);
            let _ = tell.send(stream.conn.peer_certificates().is_some());
        }
    });
    Trust { ca_pem: ca.pem(), client_pem: client.pem(), client_key: client_key.serialize_pem(), url, clients }
}

fn asked(trust: &Trust, more: &str) -> Ran {
    let workspace = source(&trust.url, more);
    workspace.write("ca.pem", &trust.ca_pem);
    workspace.write("client.pem", &trust.client_pem);
    workspace.write("client.key", &trust.client_key);
    let mut ran = run(&workspace, &["run"]);
    ran.stderr = ran.stderr.replace(&trust.url, "URL");
    ran
}

/// The connection worked: the server was asked, and answers that there is no such index.
#[track_caller]
fn check_connected(ran: &Ran) {
    assert!(ran.stderr.contains(" on URL: no such index\n"), "{}", ran.stderr);
}

#[track_caller]
fn check_refused(ran: &Ran, told: &str) {
    let told = format!("error: cannot ask for the fields of index `mail-*` on URL: {told}\n");
    assert_eq!((ran.code, ran.stderr.as_str()), (69, told.as_str()));
}

#[test]
fn a_certificate_is_trusted_when_ca_file_names_its_authority() {
    let trust = trust(&Oddity::default());
    let ran = asked(&trust, "");
    check_refused(&ran, UNKNOWN);
    let ran = asked(&trust, "ca_file = \"ca.pem\"\n");
    check_connected(&ran);
}

#[test]
fn a_client_certificate_is_sent_where_it_is_asked_for() {
    let trust = trust(&Oddity { asks_for_certificate: true, ..Oddity::default() });
    let ran = asked(&trust, "ca_file = \"ca.pem\"\n");
    assert_eq!(ran.code, 69, "{}", ran.stderr);
    let hint = "hint: the server asks for a client certificate: set `client_cert_file` and `client_key_file`\n";
    assert!(ran.stderr.ends_with(hint), "{}", ran.stderr);
    let files = "ca_file = \"ca.pem\"\nclient_cert_file = \"client.pem\"\nclient_key_file = \"client.key\"\n";
    let ran = asked(&trust, files);
    check_connected(&ran);
    assert!(trust.clients.try_iter().any(|came_with_one| came_with_one));
}

#[test]
fn a_ca_file_without_a_certificate_is_a_mistake() {
    let workspace = source("https://127.0.0.1:9", "ca_file = \"ca.pem\"\n");
    workspace.write("ca.pem", "not a certificate\n");
    check(&workspace, &["run"], 78, "error: cannot use `ca_file` `ca.pem`: it holds no certificate in PEM form\n");
}

#[test]
fn the_authority_of_another_is_not_trusted() {
    let (one, other) = (trust(&Oddity::default()), trust(&Oddity::default()));
    let ran = asked(&Trust { ca_pem: other.ca_pem, ..one }, "ca_file = \"ca.pem\"\n");
    // Neither authority has a name, so only their signatures tell them apart.
    check_refused(&ran, &UNKNOWN.replace("UnknownIssuer", "BadSignature"));
}

#[test]
fn a_certificate_for_another_name_is_not_trusted() {
    let trust = trust(&Oddity { is_made_for: Some("search.example.org"), ..Oddity::default() });
    let told = "the certificate is for another name\nhint: use a name that the certificate is made for in `url`";
    check_refused(&asked(&trust, "ca_file = \"ca.pem\"\n"), told);
}

#[test]
fn a_certificate_out_of_its_time_is_not_trusted() {
    let of = |years| asked(&trust(&Oddity { years: Some(years), ..Oddity::default() }), "ca_file = \"ca.pem\"\n");
    check_refused(&of((2001, 2002)), "the server's certificate has expired");
    let told = "the server's certificate is not valid yet\nhint: is the clock of this machine right?";
    check_refused(&of((4001, 4002)), told);
}

#[test]
fn only_tls_verify_switches_trust_off() {
    let oddity = Oddity { is_made_for: Some("search.example.org"), years: Some((2001, 2002)), ..Oddity::default() };
    let trust = trust(&oddity);
    check_connected(&asked(&trust, "tls_verify = false\n"));
    assert_eq!(asked(&trust, "tls_verify = true\n").code, 69);
}
