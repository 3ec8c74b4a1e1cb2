"""Services for people: JOBTREN's job seekers and employers, LARAS's questions, the personnel desk's requests."""
