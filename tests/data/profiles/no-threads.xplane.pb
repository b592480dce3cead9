
	/host:CPU