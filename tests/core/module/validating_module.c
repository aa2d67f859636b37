/* A PKCS#11 3.2 library over SoftHSM2: it adds validation objects and C_GetSessionValidationFlags.
 *
 * Compiled and loaded by tests alone. BENEATH names the library that does everything else. EMPTY leaves the objects
 * out, and REFUSE answers CKR_ATTRIBUTE_VALUE_INVALID to a search for them.
 */
#include <dlfcn.h>
#include <string.h>

typedef unsigned long ulong;
typedef struct { ulong type; void *value; ulong length; } attribute;
typedef struct { unsigned char major, minor; } version;
typedef ulong (*function)();
typedef struct { version number; function of[68]; } list_2_40;
typedef struct { list_2_40 earlier; function between[30]; function validation_flags; function later[5]; } list_3_2;
typedef struct { const char *name; void *functions; ulong flags; } interface;

/* Places in the function list of 2.40. */
enum { GET_FUNCTION_LIST = 3, GET_ATTRIBUTE_VALUE = 24, FIND_INIT = 26, FIND = 27, FIND_FINAL = 28, SIGN = 43 };
enum { FIRST = 0x7a110001, SECOND = 0x7a110002, CLASS = 0, VALIDATION = 10 };

static list_2_40 *beneath, earlier;
static list_3_2 all;
static ulong signed_last, searching, given;

typedef struct { ulong type; const void *value; ulong length; } fact;
static const ulong class = VALIDATION, hardware = 2, software = 1, level = 3, flag = 4, cmvp = 1, cc = 2;
static const ulong other_flag = 1UL << 63, no_level = ~0UL;
static const fact first[] = {
    {CLASS, &class, sizeof class}, {0x61f, &hardware, sizeof hardware}, {0x620, "\003\000", 2},
    {0x621, &level, sizeof level}, {0x622, "TEST module 7", 13}, {0x623, &flag, sizeof flag},
    {0x624, &cmvp, sizeof cmvp}, {0x625, "US", 2}, {0x626, "9999", 4}, {0x627, "https://example.test/9999", 25},
    {0x629, "", 0}, {0, 0, 0}};
static const fact second[] = {
    {CLASS, &class, sizeof class}, {0x61f, &software, sizeof software}, {0x621, &no_level, sizeof no_level}, {0x622, "TEST\033[2Jmodule", 14},
    {0x623, &other_flag, sizeof other_flag}, {0x624, &cc, sizeof cc}, {0x626, "TEST-CC-7", 9}, {0, 0, 0}};

static ulong find_init(ulong session, attribute *wanted, ulong count) {
    searching = 0;
#ifndef EMPTY
    for (ulong i = 0; i < count; i++)
        if (wanted[i].type == CLASS && *(ulong *)wanted[i].value == VALIDATION) {
#ifdef REFUSE
            return 0x13;
#endif
            searching = 1;
            given = 0;
            return 0;
        }
#endif
    return beneath->of[FIND_INIT](session, wanted, count);
}

static ulong find(ulong session, ulong *objects, ulong most, ulong *number) {
    if (!searching) return beneath->of[FIND](session, objects, most, number);
    *number = given ? 0 : 2;
    given = 1;
    objects[0] = FIRST;
    objects[1] = SECOND;
    return 0;
}

static ulong find_final(ulong session) {
    if (!searching) return beneath->of[FIND_FINAL](session);
    searching = 0;
    return 0;
}

static ulong attribute_value(ulong session, ulong object, attribute *wanted, ulong count) {
    if (object != FIRST && object != SECOND) return beneath->of[GET_ATTRIBUTE_VALUE](session, object, wanted, count);
    for (const fact *one = object == FIRST ? first : second; one->value; one++)
        if (one->type == wanted->type) {
            if (wanted->value) memcpy(wanted->value, one->value, one->length);
            wanted->length = one->length;
            return 0;
        }
    wanted->length = (ulong)-1;
    return 0x12;
}

static ulong sign(ulong session, void *data, ulong length, void *signature, ulong *room) {
    ulong rv = beneath->of[SIGN](session, data, length, signature, room);
    signed_last = rv == 0;
    return rv;
}

static ulong validation_flags(ulong session, ulong type, ulong *flags) {
    (void)session;
    if (type != 1) return 7;
    *flags = signed_last ? flag : 0;
    return 0;
}

ulong C_GetFunctionList(void **list);

static void prepare(void) {
    if (beneath) return;
    ulong (*get)(void **) = (ulong (*)(void **))dlsym(dlopen(BENEATH, RTLD_NOW | RTLD_LOCAL), "C_GetFunctionList");
    get((void **)&beneath);
    earlier = *beneath;
    earlier.of[GET_FUNCTION_LIST] = (function)C_GetFunctionList;
    earlier.of[FIND_INIT] = (function)find_init;
    earlier.of[FIND] = (function)find;
    earlier.of[FIND_FINAL] = (function)find_final;
    earlier.of[GET_ATTRIBUTE_VALUE] = (function)attribute_value;
    earlier.of[SIGN] = (function)sign;
    all.earlier = earlier;
    all.earlier.number.major = 3;
    all.earlier.number.minor = 2;
    all.validation_flags = (function)validation_flags;
}

ulong C_GetFunctionList(void **list) {
    prepare();
    *list = &earlier;
    return 0;
}

ulong C_GetInterfaceList(interface *interfaces, ulong *count) {
    prepare();
    if (interfaces) {
        interfaces[0].name = "PKCS 11";
        interfaces[0].functions = &all;
        interfaces[0].flags = 0;
    }
    *count = 1;
    return 0;
}
