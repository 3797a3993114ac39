-- The GitHub App that saw the repository last: that another App does not see it means nothing.
ALTER TABLE repositories ADD COLUMN github_app_id bigint;
