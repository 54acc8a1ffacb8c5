/* A folder of a test's own, which is deleted with all that is in it. */
#ifndef PLATFORM_FOLDER_H
#define PLATFORM_FOLDER_H

/* Made in the current folder, under a name that nobody else has; the caller frees it. */
char *scratch_folder(void);

/* Deletes the files in it, and frees the name. Folders in it are left to the caller. */
void scratch_remove(char *folder);

/* The text of a file, which must be there; the caller frees it. */
char *scratch_text(const char *path);

#endif
