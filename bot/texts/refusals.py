"""How Pledge says no, and that something went wrong."""

REFUSALS = {
    "NotPublishedError": (
        "This group has not published its agreement yet. You are in the queue: I will write to"
        " you as soon as there is something to sign."
    ),
    "NothingToPublishError": (
        "There is nothing to publish: the text in force is the text in the file. Change the file"
        " and restart me, and a new draft will wait here."
    ),
    "PublishConflictError": (
        "The text has changed since you opened this, or somebody else has published it. Nothing"
        " was signed in your name. Please use `/agreement publish` again and read it once more."
    ),
    "ChangeKindRequiredError": (
        "A version is in force already. Please say what kind of change this is with the option"
        " `change`: **minor** for a slip of the pen, **material** when people should sign again."
    ),
    "OutdatedRequestError": (
        "The agreement has changed since this was shown to you, so I have not counted your answer."
        " Please use `/agreement sign` to read the new text."
    ),
    "NotAMemberError": "Only people who are in the server can sign for its group.",
    "ScreeningError": (
        "Please answer the server's own entry questions first. After that I can show you the"
        " agreement."
    ),
    "NotSignedError": "You have not signed here, so there is nothing to take back.",
    "AlreadySignedError": (
        "You have signed already, and that has not changed. If you want to withdraw, use"
        " `/agreement withdraw`."
    ),
    "NotEntitledError": (
        "This is only open to some people in the group, and I cannot show it to you. If you think"
        " it should be open to you, please ask a facilitator."
    ),
    "NotLookedError": (
        "Discord has not told me all that I asked, so I cannot say whether the support channel is"
        " closed. Please try again in a few minutes."
    ),
    "RecordUnavailableError": (
        "I cannot write to my record at the moment, so I have not counted your answer. Nothing you"
        " did before is lost. Please try again in a few minutes."
    ),
    "RecordUncertainError": (
        "I lost my record while I was writing your answer down, so I do not know whether it counts."
        " Please try again in a few minutes; doing it twice does no harm."
    ),
    "InUseError": (
        "I have just been replaced by another copy of myself, so I have not counted your answer."
        " Please try again."
    ),
    "UnknownGroupError": "I do not look after a group here.",
}

UNEXPECTED = (
    "Something went wrong on my side. Nothing you have signed is lost. Please try again in a"
    " minute, and tell a facilitator if it stays like this."
)
AUDIT_REASON = "Pledge keeps the role in step with the record"
