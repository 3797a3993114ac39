/*
 * A check of passwords that takes none which were hashed beforehand, as credcheck and the service
 * Neon do, or none at all with `hook.refuses_plain`. `hook.sqlstate` is the code of its refusals.
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
	const char *refuses_plain = GetConfigOption("hook.refuses_plain", true, false);

	if (password_type != PASSWORD_TYPE_PLAINTEXT || strcmp(refuses_plain, "on") == 0)
		ereport(ERROR,
				(errcode(MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4])),
				 errmsg("this password is not taken")));
}

void
_PG_init(void)
{
	check_password_hook = refuse_verifiers;
}
