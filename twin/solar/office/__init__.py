"""What a site uses: appliances on a calendar, its PLN connection, and the genset it has without a system."""
