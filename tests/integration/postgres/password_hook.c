/*
 * A check of passwords that takes none which were hashed beforehand, as credcheck and the service
 * Neon do. `hook.sqlstate` is the code with which it refuses.
 */
#include "postgres.h"

#include "commands/user.h"
#include "fmgr.h"
#include "libpq/crypt.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

static void
refuse_verifiers(const char *username, const char *shadow_pass, PasswordType password_type,
				 Datum validuntil_time, bool validuntil_null)
{
	const char *state = GetConfigOption("hook.sqlstate", true, false);

	if (password_type != PASSWORD_TYPE_PLAINTEXT)
		ereport(ERROR,
				(errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
				 errmsg("the password is hashed already")));
}

void
_PG_init(void)
{
	check_password_hook = refuse_verifiers;
}
