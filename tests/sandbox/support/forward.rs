//! A proxy as companies have them: it makes connections for others, and may want to know for whom.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// What it speaks, and whom it lets through.
#[derive(Debug, Clone)]
pub enum Manner {
    /// CONNECT (RFC 9110, section 9.3.6) for everybody.
    Open,
    /// CONNECT for whoever sends this as `Proxy-Authorization`.
    For(&'static str),
    /// CONNECT for nobody.
    Closed,
    /// SOCKS 5 (RFC 1928) for everybody.
    Socks,
}

/// A proxy on loopback. Wherever somebody wants to go, it leads to one place.
pub struct Forward {
    _runtime: Runtime,
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Forward {
    /// `upstream` is a host and port.
    pub fn to(upstream: &str, manner: Manner) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, upstream) = (Arc::clone(&asked), upstream.to_owned());
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (seen, upstream, manner) =
                    (Arc::clone(&seen), upstream.clone(), manner.clone());
                tokio::spawn(async move {
                    let _ = pass(client, &upstream, &manner, &seen).await;
                });
            }
        });
        Forward {
            _runtime: runtime,
            port,
            asked,
        }
    }

    /// Host and port.
    pub fn place(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where others wanted to go: `host:port`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn pass(
    mut client: TcpStream,
    upstream: &str,
    manner: &Manner,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    if let Manner::Socks = manner {
        let place = socks(&mut client).await?;
        asked.lock().unwrap().push(place);
    } else {
        let head = head(&mut client).await?;
        let place = head.split(' ').nth(1).unwrap_or_default().to_owned();
        asked.lock().unwrap().push(place);
        let refusal = match manner {
            Manner::Closed => Some("403 Forbidden\r\nContent-Length: 0"),
            Manner::For(login) if !head.contains(&format!("Basic {login}\r\n")) => Some(
                "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0",
            ),
            _ => None,
        };
        let answer = refusal.unwrap_or("200 OK");
        let answer = format!("HTTP/1.1 {answer}\r\n\r\n");
        client.write_all(answer.as_bytes()).await?;
        if refusal.is_some() {
            return Ok(());
        }
    }
    let mut server = TcpStream::connect(upstream).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn head(client: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    Ok(String::from_utf8(head).unwrap())
}

/// Lets everybody in, and says where they want to go.
async fn socks(client: &mut TcpStream) -> std::io::Result<String> {
    let mut greeting = [0; 2];
    client.read_exact(&mut greeting).await?;
    client.read_exact(&mut vec![0; greeting[1].into()]).await?;
    client.write_all(&[5, 0]).await?;
    let mut request = [0; 5];
    client.read_exact(&mut request).await?;
    assert_eq!(request[3], 3, "the proxy is given a name, not an address");
    let mut name = vec![0; request[4].into()];
    client.read_exact(&mut name).await?;
    let port = client.read_u16().await?;
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    Ok(format!("{}:{port}", String::from_utf8(name).unwrap()))
}
