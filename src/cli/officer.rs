//! `titian officer`: who decides.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::block_on;
use super::desk::Desk;
use super::exit::{Done, Failed};
use super::floor::DPO;
use super::life::{self, Life, versions};
use super::printer::Printer;
use super::signer::{Signer, passphrase};
use crate::app::Home;
use crate::client::officer::OfficerKey;
use crate::clock::SystemEntropy;
use crate::config::{Access, Officer, Role, environment, file, officers};
use crate::domain::{Address, DocumentKind};
use crate::wire::InviteAsk;

/// Who decides: officers, their roles and keys
#[derive(Debug, Subcommand)]
pub(super) enum OfficerCommand {
    Key(Key),
    Add(Add),
    Disable(Disable),
    Invite(Invite),
    #[command(flatten)]
    Life(Life),
}

/// Make your own key file; its public half goes to whoever adds you
#[derive(Debug, Args)]
pub(super) struct Key {
    /// Where to make it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Your name as an officer
    #[arg(long, value_name = "NAME", value_parser = officers::name)]
    name: String,
    /// A file that holds the passphrase, for machines; asked for without it
    #[arg(long, value_name = "FILE")]
    passphrase: Option<PathBuf>,
}

/// Propose an officer, or an officer's new key or roles; another officer approves
#[derive(Debug, Args)]
pub(super) struct Add {
    /// The officer's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Where it stands: party, or party/unit
    #[arg(long, value_name = "PARTY")]
    party: Address,
    /// What it may do; may be given again
    #[arg(long = "role", value_name = "ROLE", required = true)]
    roles: Vec<RoleName>,
    /// In which language it is spoken to
    #[arg(long, value_name = "LANGUAGE", default_value = "id")]
    lang: super::policy::Spoken,
    /// Its public JWK, which `titian officer key` wrote
    #[arg(long, value_name = "FILE")]
    public: Option<PathBuf>,
    /// Why; name no person
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    signer: Signer,
}

/// End what an officer may do; one officer is enough
#[derive(Debug, Args)]
pub(super) struct Disable {
    /// The officer's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Why; name no person
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
    #[command(flatten)]
    signer: Signer,
}

/// Invite an officer to make a passkey for the console; the link is good once, for a day
#[derive(Debug, Args)]
pub(super) struct Invite {
    /// The officer's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Who you are: an editor
    #[arg(long = "as", value_name = "OFFICER")]
    officer: String,
    /// The gateway's home
    #[arg(long, value_name = "HOME", env = environment::HOME)]
    home: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    Operator,
    Editor,
    Approver,
    Auditor,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Operator => Self::Operator,
            RoleName::Editor => Self::Editor,
            RoleName::Approver => Self::Approver,
            RoleName::Auditor => Self::Auditor,
        }
    }
}

impl OfficerCommand {
    pub(super) fn run(self, printer: Printer) -> Done {
        block_on(async {
            match self {
                Self::Key(key) => key.run(printer),
                Self::Add(add) => add.run(printer).await,
                Self::Disable(disable) => disable.run(printer).await,
                Self::Invite(invite) => invite.run(printer).await,
                Self::Life(life) => life.run(printer, DocumentKind::Officer).await,
            }
        })
    }
}

impl Key {
    fn run(self, printer: Printer) -> Done {
        let mut beside = self.file.clone().into_os_string();
        beside.push(".public.jwk");
        let beside = PathBuf::from(beside);
        // before anything is asked or written: one without the other is of no use
        for path in [&self.file, &beside] {
            if path.exists() {
                return Err(file::FileError::Exists { path: path.clone() }.into());
            }
        }
        let secret = passphrase(self.passphrase.as_ref())?;
        if self.passphrase.is_none() {
            let again = passphrase(None)?;
            if again != secret {
                return Err(Failed::because("the two passphrases differ"));
            }
        }
        let (text, public) = OfficerKey::make(&self.name, &secret, &SystemEntropy::default())?;
        file::write_new(&self.file, text.as_bytes(), Access::Owner)?;
        file::write_new(&beside, format!("{public:#}\n").as_bytes(), Access::Everyone)?;
        printer.line(format!("made {} (keep it), {}", self.file.display(), beside.display()));
        if self.name == DPO {
            printer.json(&json!({"key": self.file, "public": beside}));
            self.tell_dpo(printer, &beside);
            return Ok(());
        }
        let block = block(&self.name, &public);
        printer.json(&json!({"key": self.file, "public": beside, "officers_toml": block}));
        printer.line("one of the first officers stands in officers.toml, with party and roles:");
        printer.line("");
        block.lines().for_each(|line| printer.line(line));
        printer.line("");
        let (name, file) = (&self.name, beside.display());
        printer.line("anyone later is proposed by an editor:");
        printer.line(format!(
            "  titian officer add {name} --party PARTY --role ROLE --public {file} --as EDITOR --key FILE"
        ));
        Ok(())
    }

    /// The data protection officer is no officer of the gateway: its key signs files.
    fn tell_dpo(&self, printer: Printer, beside: &Path) {
        let (key, beside) = (self.file.display(), beside.display());
        printer.line(format!("next: the home's dpo.jwk is a copy of {beside}; this key signs"));
        printer.line(format!("      titian floor sign floor.toml --key {key}"));
        printer.line(format!("      titian baseline sign baseline.toml --key {key}"));
    }
}

/// What stands in `officers.toml` for one of the first officers. Party and roles are for whoever
/// writes that file to say; as they are here it is refused.
fn block(name: &str, public: &Value) -> String {
    let member = |name: &str| public.get(name).and_then(Value::as_str).unwrap_or_default();
    format!(
        "[[officer]]\nname = \"{name}\"\nparty = \"\"\nroles = []\n\
         key = {{ kty = \"{}\", crv = \"{}\", x = \"{}\" }}\n",
        member("kty"),
        member("crv"),
        member("x")
    )
}

impl Add {
    async fn run(self, printer: Printer) -> Done {
        let key = match &self.public {
            None => None,
            Some(path) => Some(
                serde_json::from_str(&file::read_text(path)?)
                    .map_err(|_form| file::FileError::unusable(path, "is no JWK"))?,
            ),
        };
        let now = in_force(&self.signer, &self.name).await?;
        let officer = Officer {
            name: self.name.clone(),
            party: self.party.party,
            unit: self.party.unit,
            roles: self.roles.into_iter().map(Role::from).collect(),
            language: self.lang.into(),
            disabled: false,
            key,
            // the passkeys that it has stay
            passkeys: now.map(|now| now.passkeys).unwrap_or_default(),
        };
        offer(printer, &self.signer, &officer, &self.reason).await
    }
}

impl Invite {
    async fn run(self, printer: Printer) -> Done {
        let console = Home::at(&self.home).config()?.console;
        let console = console.ok_or_else(|| {
            Failed::because("titian.toml has no [console], so there is none to sign in to")
        })?;
        let ask = InviteAsk { by: self.officer.clone(), officer: self.name.clone() };
        let invitation = Desk::open(&self.home).await?.invite(&ask).await?;
        let link = format!("{}/enrol/{}", console.origin, invitation.code);
        printer.json(&json!({
            "officer": invitation.officer, "link": link, "expires_at": invitation.expires_at,
        }));
        printer.line(&link);
        printer.line(format!("good once, until {}", invitation.expires_at));
        printer.line(format!(
            "the passkey then stands in a draft of `{0}`, to propose and to have approved: \
             titian officer propose {0} --as {1}",
            self.name, self.officer
        ));
        Ok(())
    }
}

/// The officer as it is in force, if it is.
async fn in_force(signer: &Signer, name: &str) -> Result<Option<Officer>, Failed> {
    let desk = signer.desk().await?;
    let all = versions(&desk, DocumentKind::Officer, name).await?;
    let now = all.into_iter().find(|view| view.stands == "in_force");
    now.map(|now| toml::from_str(&now.text).map_err(Failed::unusable)).transpose()
}

impl Disable {
    async fn run(self, printer: Printer) -> Done {
        let now = in_force(&self.signer, &self.name).await?;
        let mut officer = now.ok_or_else(|| Failed::because("no such officer is in force"))?;
        officer.disabled = true;
        offer(printer, &self.signer, &officer, &self.reason).await
    }
}

async fn offer(printer: Printer, signer: &Signer, officer: &Officer, reason: &str) -> Done {
    let desk = signer.desk().await?;
    let text = toml::to_string(officer).map_err(Failed::unusable)?;
    let what = (DocumentKind::Officer, officer.name.clone(), text);
    life::offer(printer, &desk, signer, what, (reason, None)).await
}
