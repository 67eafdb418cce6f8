//! Runs the tests' S3 server until its input ends: `cargo run -p codelupe-testkit --example s3 BUCKET`, then the variables that it
//! prints, in another terminal, before `codelupe --store s3://BUCKET/PREFIX …`.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io;

use codelupe_testkit::s3::S3;

fn main() -> io::Result<()> {
    let s3 = S3::start();
    let bucket = std::env::args().nth(1).unwrap_or_else(|| "corpus".to_owned());
    let folder = s3.bucket(&bucket);
    println!("# the objects of {bucket} are the files in {}", folder.display());
    println!(
        "export AWS_ENDPOINT_URL={} AWS_ALLOW_HTTP=true AWS_REGION=local",
        s3.endpoint()
    );
    println!(
        "export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}",
        s3.access_key(),
        s3.secret_key()
    );
    io::copy(&mut io::stdin(), &mut io::sink()).map(drop)
}
