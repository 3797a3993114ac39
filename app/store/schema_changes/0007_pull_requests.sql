-- What is said below pull requests.

-- Commands that people gave, for ever: a comment is obeyed once, however often we are told of it.
CREATE TABLE commands (
    comment_id bigint PRIMARY KEY,
    repository_id bigint NOT NULL,
    number bigint NOT NULL,
    verb text NOT NULL,
    sender_id bigint NOT NULL,
    sender_login text NOT NULL,
    pinned jsonb NOT NULL, -- the head's databases when it was given: id to generation
    is_done boolean NOT NULL DEFAULT false,
    reply text,
    is_reply_begun boolean NOT NULL DEFAULT false,
    reply_id bigint,
    received_at timestamptz NOT NULL DEFAULT now()
);

-- The one comment about a pull request's databases.
CREATE TABLE summaries (
    repository_id bigint NOT NULL,
    number bigint NOT NULL,
    comment_id bigint,
    news text, -- what it says, amounts and times apart; NULL: nothing yet
    says_open boolean NOT NULL DEFAULT true,
    is_due boolean NOT NULL DEFAULT false, -- nobody will migrate the head: do not wait for that
    is_asked boolean NOT NULL DEFAULT false, -- a person wants to see it, also without news
    is_late boolean NOT NULL DEFAULT false, -- it was begun to be written, and is not there yet
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (repository_id, number)
);
