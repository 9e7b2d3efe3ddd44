//! The command line: one file per subcommand. Here is only what they share.
//!
//! Results go to standard output, in words or with `--json` in the API's shapes; everything else
//! goes to standard error.

mod ack;
mod agreement;
mod baseline;
mod breach;
mod change;
mod confirm;
mod demo;
mod desk;
mod erase;
mod evidence;
mod exit;
mod floor;
mod hold;
mod identity;
mod inbox;
mod init;
mod life;
mod officer;
mod party;
mod policy;
mod printer;
mod refusal;
mod replay;
mod request;
mod review;
mod rulebook;
mod send;
mod serve;
mod show;
mod signer;
mod table;
mod verify;
mod version;

use std::future::Future;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::exit::{Done, EXIT_CODES, Failed};
use self::printer::Printer;

/// The gateway through which agencies exchange messages about children under signed policies.
#[derive(Debug, Parser)]
#[command(name = "titian", version, after_help = EXIT_CODES, disable_help_subcommand = true)]
#[command(arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Write results as JSON, in the API's shapes
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Init),
    Serve(serve::Serve),
    #[command(subcommand)]
    Party(party::Party),
    #[command(subcommand)]
    Agreement(agreement::Agreement),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Exception(agreement::Exception),
    #[command(subcommand)]
    Officer(officer::OfficerCommand),
    #[command(subcommand)]
    Floor(floor::Command),
    #[command(subcommand)]
    Baseline(baseline::Command),
    #[command(subcommand)]
    Hold(hold::Hold),
    #[command(subcommand)]
    Review(review::Review),
    #[command(subcommand)]
    Request(request::Request),
    Erase(erase::Erase),
    Breach(breach::Breach),
    Send(send::Send),
    Inbox(inbox::Inbox),
    Ack(ack::Ack),
    Show(show::Show),
    Evidence(evidence::Evidence),
    Verify(verify::Verify),
    Demo(demo::Demo),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer::new(cli.json);
    let done = match cli.command {
        Command::Init(command) => command.run(printer),
        Command::Serve(command) => command.run(printer),
        Command::Party(command) => command.run(printer),
        Command::Agreement(command) => command.run(printer),
        Command::Policy(command) => command.run(printer),
        Command::Exception(command) => command.run(printer),
        Command::Officer(command) => command.run(printer),
        Command::Floor(command) => command.run(printer),
        Command::Baseline(command) => command.run(printer),
        Command::Hold(command) => command.run(printer),
        Command::Review(command) => command.run(printer),
        Command::Request(command) => command.run(printer),
        Command::Erase(command) => command.run(printer),
        Command::Breach(command) => command.run(printer),
        Command::Send(command) => command.run(printer),
        Command::Inbox(command) => command.run(printer),
        Command::Ack(command) => command.run(printer),
        Command::Show(command) => command.run(printer),
        Command::Evidence(command) => command.run(printer),
        Command::Verify(command) => command.run(printer),
        Command::Demo(command) => command.run(printer),
    };
    match done.and_then(|()| printer.reached()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            refusal::tell(printer, &failed);
            failed.code()
        }
    }
}

/// Runs a command that speaks over the network, on this thread.
fn block_on(command: impl Future<Output = Done>) -> Done {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Failed::unusable)?.block_on(command)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_argument_says_what_it_is() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(argument.get_help().is_some(), "{} {id}", command.get_name());
            }
            command.get_subcommands().for_each(visit);
        }
        let mut command = Cli::command();
        command.build();
        visit(&command);
    }
}
