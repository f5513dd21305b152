"""How Pledge says no, and that something went wrong."""

from bot.texts.catalogue import mark

REFUSALS = {
    "NotPublishedError": mark(
        "This group has not published its agreement yet, so there is nothing to read or sign. Once"
        " you have used `/agreement sign`, you are in the queue: I will write to you as soon as"
        " there is something to sign."
    ),
    "NothingToPublishError": mark(
        "There is nothing to publish: the text in force is the text in the file. Change the file"
        " and use this command again."
    ),
    "AgreementFileError": mark(
        "I cannot read the file of the agreement as it is now, so there is nothing new to show. The"
        " person who runs me finds in my log what is wrong and in which line. What is in force has"
        " not changed, and an earlier draft is still kept."
    ),
    "PublishConflictError": mark(
        "The text has changed since you opened this, or somebody else has published it. Nothing"
        " was signed in your name. Please use `/agreement publish` again and read it once more."
    ),
    "ChangeKindRequiredError": mark(
        "A version is in force already. Please say what kind of change this is with the option"
        " `change`: **minor** for a slip of the pen, **material** when people should sign again."
    ),
    "OutdatedRequestError": mark(
        "The agreement has changed since this was shown to you, so your answer does not count for"
        " the new text. Please use `/agreement sign` to read it, in your own time."
    ),
    "NotAMemberError": mark(
        "Only people who are in the server can sign for its group. If you come back, I will ask you"
        " again."
    ),
    "ScreeningError": mark(
        "Please answer the server's own entry questions first. After that I can show you the"
        " agreement."
    ),
    "NotSignedError": mark(
        "You have not signed here, so there is nothing to take back. You do not need to do"
        " anything."
    ),
    "NothingSignedError": mark(
        "You have not signed here, so there is nothing to give you a receipt for. Use"
        " `/agreement sign` to read the agreement."
    ),
    "NoReceiptError": mark(
        "I cannot make a receipt for your signature: what my ledger said of it was erased, or you"
        " signed before I kept one. Your signature itself counts as before."
    ),
    "AlreadySignedError": mark(
        "You have signed already, and that has not changed. If you want to withdraw, use"
        " `/agreement withdraw`."
    ),
    "NotEntitledError": mark(
        "This is only open to some people in the group, who look after it. If you think it should"
        " be open to you, please ask a facilitator."
    ),
    "UnknownChoiceError": mark("Please take one of the choices that Discord offers you."),
    "NotLookedError": mark(
        "Discord has not told me all that I asked, so I cannot say whether the support channel is"
        " closed. Please try again in a few minutes."
    ),
    "RecordUnavailableError": mark(
        "I am sorry: I cannot write to my record at the moment, so I have not counted your answer."
        " Nothing you did before is lost. Please try again in a few minutes."
    ),
    "RecordUncertainError": mark(
        "I am sorry: something went wrong while I was writing your answer down, and I do not know"
        " whether it counts. Please answer once more in a few minutes. Doing it twice does no harm."
    ),
    "InUseError": mark(
        "I am just starting afresh, so your answer has not reached my record. Nothing you did"
        " before is lost. Please try again in a minute."
    ),
    "UnknownGroupError": mark(
        "I do not look after a group here. If you expected one, please ask the people who look"
        " after this server."
    ),
    "NobodyToWriteToError": mark(
        "There is nobody I could write to. Perhaps no one is named, or the report was taken back."
    ),
    "LateAnswerError": mark(
        "Thank you, but this is not waiting for an answer any more: it was decided or closed, or"
        " you took your report back. `/breach mine` shows how it stands and what you can still do."
    ),
    "AlreadyInvitingError": mark(
        "I am asking people already. The message in the moderators' channel says how far I am, and"
        " has a button to stop."
    ),
    "StaleEstimateError": mark(
        "That count is too old, or it was acted on already. Nobody was asked by this press. Please"
        " use `/agreement invite` to count again."
    ),
    "OwnAttestationError": mark(
        "You cannot record your own signature. Please use `/agreement sign`, or"
        " ask somebody else with your role."
    ),
    "CoveredError": mark(
        "They hold a valid signature already, so there was nothing to record."
        " `/signatures check` tells more."
    ),
    "AttestationStaleError": mark(
        "Something has changed since I showed you this: the agreement, or what this person did. I"
        " have recorded nothing. Please use the command again."
    ),
    "TooManyReportsError": mark(
        "So many reports have come within a day that I take no more for now. If anybody is in"
        " danger, please call for help. If not, try again tomorrow. You can also talk to a"
        " moderator, or to the owner of the server."
    ),
    "HearingNeededError": mark(
        "They have not been heard yet, so nothing was decided. Please open the case with"
        " `/breach show` and press **Hear the accused**. If waiting would do harm, `/breach decide`"
        " offers to pause their access."
    ),
    "UnknownOutcomeError": mark(
        "The agreement in force has no such step. Please choose one of those that are offered while"
        " you type."
    ),
    "NobodyNamedError": mark(
        "No one is named in this case, so no step can be taken against a"
        " person. You can decide that there was no breach, or that legal action"
        " is possible."
    ),
    "SuspensionEndError": mark(
        "Please say with `days` for how many days access is paused, from 1 to 3650."
    ),
    "HarsherOutcomeError": mark(
        "This is about an appeal. It can confirm, soften or lift what was decided, and never make"
        " it harsher."
    ),
    "StaleDecisionError": mark(
        "Something has been added to this case since I showed you this, or it was acted on already."
        " Nothing was done by this press. Please look at the case and use the command again."
    ),
    "NoAppealError": mark(
        "There is nothing to appeal against in this case: nothing is decided, it was looked at"
        " again already, or the time for it is over."
    ),
    "CaseMismatchError": mark(
        "These two cases cannot be merged: they are the same one, or they do not name the same"
        " person. Where one names nobody, the other must name nobody, too."
        " Nothing was changed."
    ),
    "UnknownCaseError": mark("There is no case of this number, or it is not yours to see."),
    "DecidedBeforeError": mark(
        "You have decided in this case before, so the appeal is for somebody else. That is fair to"
        " everybody in it, to you as well."
    ),
    "CaseStateError": mark(
        "The case is not where this can be done. Perhaps it was decided or closed. Please look at"
        " it once more."
    ),
    "ExportTooLargeError": mark(
        "This group is so large that its list is more than Discord takes, even when it is zipped."
        " The person who runs me can read it out of a backup."
    ),
}

UNEXPECTED = mark(
    "I am sorry, something went wrong on my side. It is nothing you did, and nothing you have"
    " signed is lost. Please try again in a minute, and tell a facilitator if it stays like this."
)
AUDIT_REASON = mark("Pledge keeps the role in step with the record")
