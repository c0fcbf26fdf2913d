// The C side of MPI as Swift sees it: <mpi.h>, and the few names in it that Swift cannot import.
//
// mpi.h defines its handles as macros that cast the address of a library object. Swift imports
// macros only if they are plain literals, so each such handle that we use has a function here that
// returns it. Everything else is called straight from mpi.h.
#ifndef GRU_DIST_CMPI_SHIM_H
#define GRU_DIST_CMPI_SHIM_H

#include <mpi.h>

// Handle: a cast of &ompi_mpi_comm_world.
static inline MPI_Comm cmpi_comm_world(void) { return MPI_COMM_WORLD; }

// Handle: a cast of &ompi_mpi_comm_null. MPI sets a freed communicator to it.
static inline MPI_Comm cmpi_comm_null(void) { return MPI_COMM_NULL; }

// Handle: a cast of &ompi_request_null. MPI sets a finished request to it.
static inline MPI_Request cmpi_request_null(void) { return MPI_REQUEST_NULL; }

// Handles: casts of &ompi_mpi_float and &ompi_mpi_op_sum, and an address that means "in place". For
// the sum that the benchmark of the exchange compares with.
static inline MPI_Datatype cmpi_float(void) { return MPI_FLOAT; }
static inline MPI_Op cmpi_sum(void) { return MPI_SUM; }
static inline const void *cmpi_in_place(void) { return MPI_IN_PLACE; }

// Handle: a cast of &ompi_mpi_byte, the only data type that we send.
static inline MPI_Datatype cmpi_byte(void) { return MPI_BYTE; }

// Handle: a cast of &ompi_mpi_info_null.
static inline MPI_Info cmpi_info_null(void) { return MPI_INFO_NULL; }

// Handle: a cast of &ompi_mpi_errors_return, by which MPI returns error codes to us instead of
// ending the job.
static inline MPI_Errhandler cmpi_errors_return(void) { return MPI_ERRORS_RETURN; }

// Constants of an unnamed enum or behind another macro, whose imported type would depend on the
// library's headers.
static inline int cmpi_thread_funneled(void) { return MPI_THREAD_FUNNELED; }
static inline int cmpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int cmpi_comm_type_shared(void) { return MPI_COMM_TYPE_SHARED; }
static inline int cmpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int cmpi_max_processor_name(void) { return MPI_MAX_PROCESSOR_NAME; }

#endif
