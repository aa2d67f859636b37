/* A PKCS#11 library over SoftHSM2 that says of itself that it is another device.
 *
 * Compiled and loaded by tests alone. BENEATH names the library that does everything. PLATE names a file: what stands
 * in it is the serial number of every token.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef unsigned long ulong;
typedef ulong (*function)();
typedef struct { unsigned char major, minor; } version;
typedef struct { version number; function of[68]; } list;
typedef struct { version cryptoki; char manufacturer[32]; ulong flags; char description[32]; version library; } info;
typedef struct {
    char label[32], manufacturer[32], model[16], serial[16];
    ulong flags, numbers[10];
    version hardware, firmware;
    char time[16];
} token_info;

/* Places in the function list of 2.40. */
enum { GET_INFO = 2, GET_FUNCTION_LIST = 3, GET_TOKEN_INFO = 6 };

static list *beneath, own;

static void write_padded(char *to, ulong room, const char *text) {
    ulong length = strlen(text);
    memset(to, ' ', room);
    memcpy(to, text, length < room ? length : room);
}

static ulong get_info(info *found) {
    ulong rv = beneath->of[GET_INFO](found);
    if (rv) return rv;
    write_padded(found->manufacturer, sizeof found->manufacturer, "Beispiel Module AG");
    write_padded(found->description, sizeof found->description, "Beispiel K9 client");
    return 0;
}

static ulong get_token_info(ulong slot, token_info *found) {
    char plate[17] = "";
    FILE *file;
    ulong rv = beneath->of[GET_TOKEN_INFO](slot, found);
    if (rv) return rv;
    if ((file = fopen(PLATE, "r"))) {
        if (!fgets(plate, sizeof plate, file)) plate[0] = 0;
        fclose(file);
    }
    plate[strcspn(plate, "\n")] = 0;
    write_padded(found->manufacturer, sizeof found->manufacturer, "Beispiel Module AG");
    write_padded(found->model, sizeof found->model, "K9");
    write_padded(found->serial, sizeof found->serial, plate);
    found->hardware.major = 2;
    found->hardware.minor = 6;
    found->firmware.major = 7;
    found->firmware.minor = 8;
    return 0;
}

ulong C_GetFunctionList(void **functions) {
    if (!beneath) {
        ulong (*get)(void **) = (ulong (*)(void **))dlsym(dlopen(BENEATH, RTLD_NOW | RTLD_LOCAL), "C_GetFunctionList");
        get((void **)&beneath);
        own = *beneath;
        own.of[GET_INFO] = (function)get_info;
        own.of[GET_FUNCTION_LIST] = (function)C_GetFunctionList;
        own.of[GET_TOKEN_INFO] = (function)get_token_info;
    }
    *functions = &own;
    return 0;
}
