//! The command that starts the process, by who starts it and on how many machines.

use std::path::Path;
use std::process::Command;

use crate::config::{Launcher, Quantize, TorchConfig};
use crate::environment::Environment;

/// The most seconds between signs of life; there are four within the time that is allowed.
const LONGEST_HEARTBEAT: f64 = 10.0;

/// A command that runs the script with these arguments in this process alone.
pub(super) fn plain(config: &TorchConfig, environment: &Environment, script: &Path, arguments: &[&str]) -> Command {
    command(
        config,
        environment,
        &[],
        script,
        arguments.iter().map(|&argument| argument.to_owned()),
    )
}

/// The command that trains by a job.
pub(super) fn training(config: &TorchConfig, environment: &Environment, script: &Path, job: &Path) -> Command {
    command(
        config,
        environment,
        &launcher(config, "0"),
        script,
        arguments(config, job),
    )
}

/// What is to be started on each of the other machines, for a user; none if there is only one machine.
pub(super) fn elsewhere(config: &TorchConfig, script: &Path, job: &Path) -> Option<String> {
    if config.nodes < 2 {
        return None;
    }
    let parts = [config.python.clone()].into_iter().chain(launcher(config, "N"));
    let script = [script.display().to_string()];
    let text: Vec<String> = parts.chain(script).chain(arguments(config, job)).collect();
    Some(format!(
        "start this on the other machines, which need the same files, with their numbers 1 to {} for N: {}",
        config.nodes - 1,
        text.join(" ")
    ))
}

fn command(
    config: &TorchConfig,
    environment: &Environment,
    launcher: &[String],
    script: &Path,
    arguments: impl Iterator<Item = String>,
) -> Command {
    let mut command = Command::new(&config.python);
    command.args(launcher).arg(script).args(arguments);
    command.env_clear().envs(environment.variables());
    // Nothing is looked for elsewhere: base and samples are in folders.
    let fixed = [
        ("HF_HUB_OFFLINE", "1"),
        ("PYTHONUNBUFFERED", "1"),
        ("PYTHONIOENCODING", "utf-8"),
        ("TOKENIZERS_PARALLELISM", "false"),
    ];
    command.envs(fixed);
    command
}

fn arguments(config: &TorchConfig, job: &Path) -> impl Iterator<Item = String> + use<> {
    let heartbeat = LONGEST_HEARTBEAT.min(config.heartbeat_seconds as f64 / 4.0);
    let quantize = match config.quantize {
        Quantize::None => "none",
        Quantize::Nf4 => "nf4",
    };
    [
        job.display().to_string(),
        "--heartbeat".to_owned(),
        heartbeat.to_string(),
        "--quantize".to_owned(),
        quantize.to_owned(),
    ]
    .into_iter()
    .chain(config.shard.then(|| "--shard".to_owned()))
}

/// The arguments of Python that come before the script. This machine is number 0, so that the process that talks and writes
/// is one of its own.
fn launcher(config: &TorchConfig, node: &str) -> Vec<String> {
    let (per_node, nodes) = (config.processes_per_node, config.nodes);
    let all = u64::from(per_node) * u64::from(nodes);
    let place = config.place().filter(|_| nodes > 1);
    let mut words: Vec<String> = Vec::new();
    let mut push = |name: &str, value: String| words.extend([name.to_owned(), value]);
    match (config.launcher, place) {
        (Launcher::None, _) => {}
        (Launcher::Torchrun, place) => {
            push("-m", "torch.distributed.run".to_owned());
            push("--nnodes", nodes.to_string());
            push("--nproc-per-node", per_node.to_string());
            match place {
                Some((host, port)) => {
                    push("--node-rank", node.to_owned());
                    push("--master-addr", host.to_owned());
                    push("--master-port", port.to_string());
                }
                None => words.push("--standalone".to_owned()),
            }
        }
        (Launcher::Accelerate, place) => {
            push("-m", "accelerate.commands.launch".to_owned());
            push("--num_processes", all.to_string());
            push("--num_machines", nodes.to_string());
            push("--mixed_precision", "no".to_owned());
            push("--dynamo_backend", "no".to_owned());
            if let Some((host, port)) = place {
                push("--machine_rank", node.to_owned());
                push("--main_process_ip", host.to_owned());
                push("--main_process_port", port.to_string());
            }
            if all > 1 {
                words.push("--multi_gpu".to_owned());
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    fn words(config: &TorchConfig) -> String {
        let command = training(
            config,
            &Environment::default(),
            Path::new("/run/train.py"),
            Path::new("/run/job.json"),
        );
        let words: Vec<&str> = command.get_args().filter_map(OsStr::to_str).collect();
        words.join(" ")
    }

    #[test]
    fn each_launcher_has_its_own_words() {
        let mut config = TorchConfig::default();
        let own = "/run/train.py /run/job.json --heartbeat 10 --quantize none";
        assert_eq!(words(&config), own);
        config.launcher = Launcher::Torchrun;
        config.processes_per_node = 2;
        let one = "-m torch.distributed.run --nnodes 1 --nproc-per-node 2 --standalone";
        assert_eq!(words(&config), format!("{one} {own}"));
        config.nodes = 3;
        config.rendezvous = "head:29500".to_owned();
        let many = "-m torch.distributed.run --nnodes 3 --nproc-per-node 2 --node-rank 0 --master-addr head --master-port 29500";
        assert_eq!(words(&config), format!("{many} {own}"));
        config.launcher = Launcher::Accelerate;
        assert!(words(&config).contains("--num_processes 6 --num_machines 3"));
        assert!(
            words(&config).contains("--machine_rank 0 --main_process_ip head --main_process_port 29500 --multi_gpu")
        );
    }

    #[test]
    fn the_other_machines_get_a_number_each() {
        let mut config = TorchConfig::default();
        let (script, job) = (Path::new("/run/train.py"), Path::new("/run/job.json"));
        assert_eq!(elsewhere(&config, script, job), None);
        config.launcher = Launcher::Torchrun;
        config.nodes = 2;
        config.rendezvous = "head:29500".to_owned();
        let text = elsewhere(&config, script, job).unwrap();
        assert!(
            text.contains("1 to 1 for N: python3 -m torch.distributed.run"),
            "{text}"
        );
        assert!(text.contains("--node-rank N --master-addr head"), "{text}");
    }
}
